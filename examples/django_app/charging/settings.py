"""The settings of Django, as few as possible."""

import os
from pathlib import Path

SECRET_KEY = os.environ.get("SECRET_KEY", "for development only")
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "charging.urls"
WSGI_APPLICATION = "charging.wsgi.application"
INSTALLED_APPS = ["charging"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get(
            "DATABASE", Path(__file__).parents[1] / "stations.sqlite3"
        ),
    }
}
