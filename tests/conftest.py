"""What holds for every test."""

from faults.figures import figure  # noqa: F401 - pytest finds it here
from hypothesis import HealthCheck, settings

# how long an example takes says something of the machine, nothing of the code
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
