"""The version of the package, which is also the version of the library it accepts."""

__version__ = "0.1.0"
