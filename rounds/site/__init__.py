"""The website: what its pages are built with, the build, and a server for it."""


class SiteError(RuntimeError):
    """The site cannot be built or served: the sentence says why and what to do."""
