"""Who this program is in Azure, for storage and database alike.

Owns which ways of logging in are tried, none of which asks a person.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.identity import DefaultAzureCredential


@cache
def azure_login() -> "DefaultAzureCredential":
    """Return the one login of the process, which keeps tokens until they run out.

    It is the environment's, the managed identity's, or what `az login` left.
    """
    from azure.identity import DefaultAzureCredential  # half a second, for those in Azure alone

    return DefaultAzureCredential(
        exclude_interactive_browser_credential=True,
        exclude_broker_credential=True,
        exclude_shared_token_cache_credential=True,
        exclude_visual_studio_code_credential=True,
    )
