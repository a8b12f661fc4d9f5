"""Run the command line as ``python -m ddasp``."""

import sys

from ddasp.apps.cli import main

if __name__ == "__main__":
    sys.exit(main())
