"""From an observation and a request to a ranked plan."""
