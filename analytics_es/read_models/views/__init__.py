"""SQL views of the read models, for tools that read tables: Grafana, Metabase, Datasette."""
