"""Messages to arrays and core values, and back: one module a family of messages."""
