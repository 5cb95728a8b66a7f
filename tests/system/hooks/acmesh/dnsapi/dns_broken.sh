# shellcheck shell=sh
# dns_broken.sh - a plug-in that cannot be loaded

return 3
