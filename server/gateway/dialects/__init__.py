"""The paths, names and statuses of published order APIs: tables of renames over the API's methods."""
