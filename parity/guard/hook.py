"""The guard of a training by mmengine's Runner, one line in a config:

    custom_hooks = [dict(type="parity.guard.hook.ParityHook")]

Needs nothing of mmengine but that it calls hooks (mmengine 0.10.7 runner/runner.py `call_hook`).
"""

from __future__ import annotations

import io
import logging
import sys
from pathlib import Path
from typing import Any, Literal

from parity.errors import ParityError
from parity.guard.guard import Alarm, Guard

_STAGES = ("before_run", "before_train", "before_train_iter", "after_train_iter", "after_run")


class ParityHook(Guard):
    """Tells the Runner's logger of what is broken; with ``on_error="stop"``, ends the training.

    Looked at: gradients of exactly 0 (see `Monitor` for `zero` and `every`), a loss that stays not
    finite, weights whose names do not match, SyncBN that is reverted, and a batch or schedule
    that is not the zoo's. The first of several processes looks.
    """

    priority = "LOW"

    def __init__(
        self, on_error: Literal["stop", "warn"] = "warn", zero: int = 10, every: int = 50
    ) -> None:
        super().__init__(on_error, zero, every)
        self._logger = logging.getLogger(__name__)
        self._said = _Said()

    def get_triggered_stages(self) -> list[str]:
        """The hook's methods, which the Runner lists."""
        return list(_STAGES)

    def before_run(self, runner: Any) -> None:
        """Before the weights are loaded: listen."""
        self._logger = runner.logger
        self._said.listen(runner.logger)

    def before_train(self, runner: Any) -> None:
        """After the weights are loaded: what was said of them, and what the config asks for."""
        said = self._said.end()
        self.monitor.start(runner.model)
        if not runner.rank:
            self._judge(runner, said)
        self.together()

    def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None) -> None:
        """Look at the gradients of this iteration, or not."""
        self.monitor.before()

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """outputs: the losses of the iteration by name, ``loss`` their sum."""
        self.after((outputs or {}).get("loss"))

    def after_run(self, runner: Any) -> None:
        """Where no training began."""
        self._said.end()

    def say(self, text: str) -> None:
        """To the Runner's logger."""
        self._logger.error(text)

    def _judge(self, runner: Any, said: bytes) -> None:
        try:
            found = _judged(runner, said)
        except ParityError as error:
            self._logger.warning("parity: the config was not looked at: %s", error)
            return
        for alarm in found:
            self.tell(alarm)


def _judged(runner: Any, said: bytes) -> list[Alarm]:
    # Imported here: the processes that only train need none of it.
    from parity.guard.judge import judge, planned_run  # noqa: PLC0415
    from parity.runs.facts import Config  # noqa: PLC0415

    file = str(runner.cfg.filename or "config")
    config = Config(runner.cfg.to_dict(), file)
    return judge(planned_run(config, name=Path(file).stem, gpus=runner.world_size, said=said))


class _Said(logging.Handler):
    """What a logger gets and what is printed, as a console shows it.

    mmengine lists keys that do not match with ``print`` where it loads ``load_from``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s - mmengine - %(levelname)s - %(message)s"))
        self._text = io.StringIO()
        self._logger: logging.Logger | None = None
        self._stdout = sys.stdout

    def listen(self, logger: logging.Logger) -> None:
        self._logger, self._stdout = logger, sys.stdout
        logger.addHandler(self)
        sys.stdout = _Tee(sys.stdout, self._text)

    def emit(self, record: logging.LogRecord) -> None:
        self._text.write(self.format(record) + "\n")

    def end(self) -> bytes:
        if self._logger is not None:
            self._logger.removeHandler(self)
            self._logger = None
            sys.stdout = self._stdout
        return self._text.getvalue().encode("utf-8", "replace")


class _Tee(io.TextIOBase):
    def __init__(self, stream: Any, copy: io.StringIO) -> None:
        self._stream, self._copy = stream, copy

    def write(self, text: str) -> int:
        self._copy.write(text)
        return int(self._stream.write(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
