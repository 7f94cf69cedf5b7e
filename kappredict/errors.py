"""Every exception raised on purpose; each shows to a user as one message, without a traceback."""


class KappredictError(Exception):
    """The root of all of them; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(KappredictError):
    """The command was called in a way that cannot work."""

    exit_code = 2


class StoppedError(KappredictError):
    """The user stopped the work; what was done is kept, and the message says how to go on."""

    exit_code = 130


class DefinitionError(KappredictError):
    """A file in `configs/` (or a study's own definitions) is wrong."""

    exit_code = 10

    def __init__(self, place: str, problems: list[str]) -> None:
        self.place = place
        self.problems = problems
        super().__init__(f"{place}: " + "; ".join(problems))


class DataError(KappredictError):
    """A study's tables cannot be used as they are."""

    exit_code = 11


class RefusedError(KappredictError):
    """The work was understood and is refused, for a reason that the message gives."""

    exit_code = 12


class TooFewEventsError(RefusedError):
    """There are too few events, or only one outcome class, to fit or validate a model."""

    def __init__(self, task: str, n: int, events: int, least: int) -> None:
        self.n = n
        self.events = events
        rarer = min(events, n - events)
        super().__init__(
            f"{task}: {n} courses assessed, {events} with the outcome; the rarer side has {rarer} "
            f"and at least {least} are needed. Nothing was trained. Add courses, or lower "
            f"`least_events` in the training settings if you know why."
        )


class BundleError(KappredictError):
    """A bundle is incomplete, altered, or made by something this version does not know."""

    exit_code = 11
