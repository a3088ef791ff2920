"""A plan as files, as a self-contained page and as a picture."""
