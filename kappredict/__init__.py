"""Who will respond, remit and stay well after ketamine-assisted psychotherapy, per condition."""

from importlib.metadata import version

__version__ = version("kappredict")
