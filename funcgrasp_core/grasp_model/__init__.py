"""The grasp model and its parts, one idea a file."""
