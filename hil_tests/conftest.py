"""Brings the plugin where its entry point does not: an older installation, or pytest that loads none by itself."""

import pytest

from hil_tests import plugin
from hil_tests.options import add_options


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    if not pluginmanager.is_registered(plugin):
        add_options(parser)
        pluginmanager.register(plugin, plugin.__name__)
