"""The pages a person opens: the dashboard, a one-time link, signing out."""

from flask import Blueprint

blueprint = Blueprint("pages", __name__, template_folder="templates")
