"""A central system inside a Django project: handlers use the database.

    pip install django
    cd examples/django_app
    python manage.py migrate --run-syncdb
    python manage.py runserver --noreload 9000

Stations connect to ws://127.0.0.1:9001/ocpp/IDENTITY, or to the port in the
environment variable OCPP_PORT. Then, for example:

    curl http://127.0.0.1:9000/stations
    curl -X POST http://127.0.0.1:9000/stations/CP001/start?card=CARD-1

`--noreload` matters: the reloader runs the project in two processes. In
production, run one process with many threads:

    gunicorn --threads 16 charging.wsgi

`charging/central.py` has the stations, `charging/wsgi.py` starts them.
"""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "charging.settings")
    execute_from_command_line(sys.argv)
