"""Synthetic studies of any size, calibrated to published rates, with the truth kept apart."""

from kappredict.data.simulation.parameters import Parameters, load_parameters
from kappredict.data.simulation.study import SimulatedStudy, simulate

__all__ = ["Parameters", "SimulatedStudy", "load_parameters", "simulate"]
