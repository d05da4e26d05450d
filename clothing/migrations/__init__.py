"""Steps that bring a database to the tables of `tables.py`, run by Alembic."""
