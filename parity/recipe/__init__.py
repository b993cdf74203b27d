"""What a config asks for, as our own steps with its options; nothing of it is executed.

The config is read in the terms of `parity.settings.terms`, with the defaults of the
reference's own signatures, so that mmseg 0.x and 1.x are read alike.
"""

from parity.recipe.find import FoundConfig as FoundConfig
from parity.recipe.find import find_config as find_config
from parity.recipe.forms import absent as absent
from parity.recipe.pipeline import RecipePipeline as RecipePipeline
from parity.recipe.reader import Uncompared as Uncompared
from parity.recipe.recipe import Recipe as Recipe
from parity.recipe.recipe import read as read
from parity.recipe.recipe import recipe_of as recipe_of
