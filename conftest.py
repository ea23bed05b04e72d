"""Settings that the whole suite shares."""

from hypothesis import settings

# Only the root conftest may name plugins.
pytest_plugins = ["pytester"]

# How long an example takes depends on the machine, and on coverage being measured.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
