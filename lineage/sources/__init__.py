"""Which formats can be read? One file a source."""
