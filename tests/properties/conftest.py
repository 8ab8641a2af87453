"""How long Hypothesis searches; here alone, because to load it takes longer than many a test folder."""

from hypothesis import HealthCheck, settings

# Deadlines and the too-slow check measure the machine, not the code, and would make a green run a matter of luck.
settings.register_profile(
    "ci",
    max_examples=60,
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "fuzz",
    max_examples=20_000,
    derandomize=False,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci")  # `--hypothesis-profile=fuzz` (make fuzz-properties) overrides it
