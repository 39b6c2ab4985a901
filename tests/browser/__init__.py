"""The portal in a real browser, with the whole service behind it. Nothing here asks the ORM: Playwright runs a loop in
this thread, so the service is spoken to over HTTP and through its commands."""
