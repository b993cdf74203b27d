"""Every error this package raises on purpose, at a glance."""


class ParityError(Exception):
    """Base of all errors below. The message names the file or object, what is wrong, what to do."""


class InputError(ParityError):
    """Something given by the user (a file, an option, an array) cannot be used."""


class RunFormatError(InputError):
    """A file of a training run (log, config, checkpoint, table) is not what its name says."""


class FolderOfRuns(RunFormatError):
    """A folder that is no training run itself, but has runs below it. The message names some."""


class ReferenceUnavailable(ParityError):
    """The reference (mmseg and what it needs), or one of its compiled ops, is not installed."""


class ExtraMissing(ReferenceUnavailable):
    """A package is not installed that the reference of some steps needs; others are compared."""


class WorkerLost(ParityError):
    """A process that computed for us was ended from outside: killed, or out of memory."""


class NotExercised(InputError):
    """A candidate cannot be run on a case, though nothing is wrong with it: it takes no option."""
