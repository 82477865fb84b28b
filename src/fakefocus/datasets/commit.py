"""Which state of the project made something."""

from pathlib import Path

_UNKNOWN = "unknown: not a git repository, or one without a commit"


def git_commit() -> str:
    """Return the commit of the project, with ``+changes`` where files differ from it.

    A repository that only happens to hold the installed package, in a virtual environment, is not the project's.
    """
    from git import InvalidGitRepositoryError, Repo

    try:
        repo = Repo(Path(__file__), search_parent_directories=True)
        if Path(repo.working_tree_dir or "") / "src/fakefocus" != Path(__file__).resolve().parents[1]:
            return _UNKNOWN
        return repo.head.commit.hexsha + ("+changes" if repo.is_dirty(untracked_files=True, path="src") else "")
    except (InvalidGitRepositoryError, ValueError):
        return _UNKNOWN
