"""The split schemes that a run asks for and its data allow."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.settings import TrainingSettings
from kappredict.evaluation.splits import SchemeFolds, leave_group_out, random_cv, temporal

# The stratum of rows of other conditions, which are learnt from and never tested.
_KIN = 3


@dataclass(frozen=True)
class Plan:
    """Schemes with their folds, and those the data do not allow with the reason."""

    folds: Mapping[str, SchemeFolds]
    not_run: Mapping[str, str]


def plan_schemes(data: ModellingSet, settings: TrainingSettings) -> Plan:
    """Lay out the folds of every scheme in the settings."""
    courses, wanted = data.all_courses, settings.schemes
    patients = courses["patient_id"].to_numpy(dtype=object)
    strata = np.full(len(courses), _KIN)
    strata[: len(data.target)] = data.target.strata
    planned: dict[str, SchemeFolds] = {}
    if (one := wanted.random_cv) is not None:
        planned["random_cv"] = random_cv(strata, patients, one.folds, one.repeats, settings.seed)
    if (sites := wanted.leave_site_out) is not None:
        planned["leave_site_out"] = leave_group_out(
            strata, courses["site"], patients, sites.most_folds, "sites"
        )
    if (studies := wanted.leave_study_out) is not None:
        planned["leave_study_out"] = leave_group_out(
            strata, courses["study"], patients, studies.most_folds, "studies"
        )
    if (by_time := wanted.temporal) is not None:
        planned["temporal"] = temporal(strata, courses["enrolled_on"], patients, by_time.test_share)
    planned = {name: _tested_own(one, len(data.target)) for name, one in planned.items()}
    return Plan(
        {name: scheme for name, scheme in planned.items() if scheme.folds},
        {name: scheme.reason for name, scheme in planned.items() if not scheme.folds},
    )


def _tested_own(scheme: SchemeFolds, own: int) -> SchemeFolds:
    """Test rows of the task's own condition only, which come first."""
    folds = [replace(fold, test=fold.test[fold.test < own]) for fold in scheme.folds]
    return replace(scheme, folds=tuple(fold for fold in folds if len(fold.test)))
