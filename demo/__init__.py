"""The demonstration that `make demo` runs; it may use everything, nothing uses it."""
