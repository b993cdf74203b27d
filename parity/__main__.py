"""The command ``parity``, also ``python -m parity``."""

from parity.files import ended_by_ctrl_c


def main() -> None:
    """Run the command; see `parity.cli`."""
    with ended_by_ctrl_c():
        from parity.cli import main as run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
