"""Qwen2.5-VL as semantic encoder, from a checkpoint folder on this machine."""
