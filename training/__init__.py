"""The offline trainer: data -> model -> fit -> evaluate -> export; never imports `service`."""
