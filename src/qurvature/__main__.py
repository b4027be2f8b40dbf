"""``python -m qurvature`` is the command line."""

from qurvature.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
