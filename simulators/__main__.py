"""`python -m simulators workshop|modbus|opcua|proxy|broker|platform ...`."""

from __future__ import annotations

import sys

from simulators.commands import main

if __name__ == "__main__":
    sys.exit(main())
