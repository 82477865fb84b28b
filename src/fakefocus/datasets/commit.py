"""Which state of the project made something."""

from pathlib import Path


def git_commit() -> str:
    """Return the commit of the project, with ``+changes`` where files differ from it."""
    from git import InvalidGitRepositoryError, Repo

    try:
        repo = Repo(Path(__file__), search_parent_directories=True)
        return repo.head.commit.hexsha + ("+changes" if repo.is_dirty(untracked_files=True, path="src") else "")
    except (InvalidGitRepositoryError, ValueError):
        return "unknown: not a git repository, or one without a commit"
