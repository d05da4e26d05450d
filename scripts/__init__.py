"""Programs for those who work on the project; the service needs none of them."""
