"""The door: what `flask`, gunicorn and Azure look for."""

from clothing.web import create_app

app = create_app()
