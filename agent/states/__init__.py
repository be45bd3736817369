"""How long a machine was in which state: pure timelines, fed with what frames tell."""
