"""Stands for `python -m embedded_ros` where a test starts a file."""

import sys

from embedded_ros.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
