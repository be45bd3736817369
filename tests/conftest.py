"""What holds for every test."""

from hypothesis import settings

# how long an example takes says something of the machine, nothing of the code
settings.register_profile("house", deadline=None)
settings.load_profile("house")
