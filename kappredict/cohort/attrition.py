"""Who was left out of a cohort, at which step, and why; nobody leaves without a reason."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

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

    def leaving_out(self, reasons: Mapping[str, int]) -> "Attrition":
        """Give the flow with a step for each reason, in the order of the alphabet."""
        flow = self
        for reason in sorted(reasons):
            flow = flow.step(reason, flow.steps[-1][1] - reasons[reason])
        return flow

    def table(self) -> pd.DataFrame:
        """Give one row per step: criterion, remaining, left_out."""
        table = pd.DataFrame(list(self.steps), columns=["criterion", "remaining"])
        before = table["remaining"].shift(fill_value=table["remaining"].iloc[0])
        return table.assign(left_out=before - table["remaining"])


def together(flows: Sequence[Attrition]) -> Attrition:
    """Add up the flows of the parts of one cohort.

    They share their first steps; of the reasons after those a part may lack some.

    >>> one, other = (Attrition.starting_with("all", n) for n in (5, 7))
    >>> together([one.leaving_out({"b": 1}), other.leaving_out({"a": 2, "b": 3})]).steps
    (('all', 12), ('a', 10), ('b', 6))
    """
    shared = [
        labels[0]
        for labels in takewhile(
            lambda labels: len(set(labels)) == 1,
            zip(*([label for label, _ in flow.steps] for flow in flows), strict=False),
        )
    ]
    size = len(shared)
    whole = Attrition(
        tuple(
            (label, sum(flow.steps[place][1] for flow in flows))
            for place, label in enumerate(shared)
        )
    )
    reasons: Counter[str] = Counter()
    for flow in flows:
        rows = flow.table().iloc[size:]
        reasons.update(dict(zip(rows["criterion"], rows["left_out"].astype(int), strict=True)))
    return whole.leaving_out(reasons)
