"""Who was left out of a cohort, at which step, and why; nobody leaves without a reason."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Attrition:
    """The steps from all courses to those that are modelled.

    >>> flow = Attrition.starting_with("courses", 10).step("with a baseline score", 8)
    >>> flow.table()["left_out"].tolist()
    [0, 2]
    """

    steps: tuple[tuple[str, int], ...]

    @classmethod
    def starting_with(cls, label: str, n: int) -> "Attrition":
        """Start the flow with all courses."""
        return cls(((label, n),))

    def step(self, criterion: str, remaining: int) -> "Attrition":
        """Give the flow with one more criterion, and how many courses met it."""
        return Attrition((*self.steps, (criterion, remaining)))

    def table(self) -> pd.DataFrame:
        """Give one row per step: criterion, remaining, left_out."""
        table = pd.DataFrame(list(self.steps), columns=["criterion", "remaining"])
        before = table["remaining"].shift(fill_value=table["remaining"].iloc[0])
        return table.assign(left_out=before - table["remaining"])
