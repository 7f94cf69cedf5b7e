"""How hypothesis searches: few examples on a laptop, and no deadline on a busy machine."""

from hypothesis import settings

settings.register_profile("kappredict", max_examples=20, deadline=None)
settings.load_profile("kappredict")
