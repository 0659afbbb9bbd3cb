"""The same installation, volunteers and browsers as the tests of the pages."""

from tests.server.web.conftest import *  # pylint: disable=wildcard-import,unused-wildcard-import  # fixtures go by name
