"""What can go wrong, each beside the built-in exception it is a kind of."""


class PullPushError(Exception):
    """The base of every exception the package raises on purpose."""


class InvalidArgument(PullPushError, ValueError):
    """An argument has a value that cannot be used; the message names the argument, the value and what is expected."""


class UnknownOption(PullPushError, TypeError):
    """A keyword is not the name of an option."""


class NotFinite(PullPushError, ValueError):
    """``check_finite=True`` found a NaN or an infinity; the message names the first such row."""


class OutOfMemory(PullPushError, MemoryError):
    """The library could not allocate its scratch memory."""


class NoGradient(PullPushError, RuntimeError):
    """``backward`` was asked of a loss that was computed without its gradient."""


class LibraryNotFound(PullPushError, ImportError):
    """The shared library could not be loaded; the message lists every path that was tried and why it failed."""


class LibraryMismatch(PullPushError, ImportError):
    """A shared library was loaded, but it is another version than this package."""


class RankFailed(PullPushError, RuntimeError):
    """A call over many processes failed because another of them refused its rows or could not be reached."""
