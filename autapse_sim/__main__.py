"""The program `autapse`, also `python -m autapse_sim`."""

import signal
import sys


def main() -> None:
    """Run the command line; whatever it is told once it is done or before it began, it ends without a traceback."""
    try:
        from autapse_sim.commands.main import main as commands

        commands()
    except KeyboardInterrupt:
        print("autapse: stopped; nothing was written", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
