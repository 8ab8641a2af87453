"""Loaded by the process that serves requests, and by no other command."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "charging.settings")
application = get_wsgi_application()

from .central import listen  # noqa: E402 - the models need Django first

listen()
