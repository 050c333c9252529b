#!/bin/sh
# Writes, as Markdown, what a pull request does to the pipeline: the stages it makes stale, and what
# params, metrics and artifacts it changes. Needs git's history, and no data.
#
#   review.sh BASE [HEAD] [FILE]
#
# BASE is the branch it goes into, HEAD what is reviewed (HEAD), FILE where to write (stdout).
# Ends with 1 where `pivot verify --allow-missing` finds that results were not committed, or cannot
# be had; with 2 where something is wrong. PIVOT names another command, PIVOT_FETCH=1 asks the
# remote for metrics that are only there.
set -eu

if [ $# -lt 1 ] || [ $# -gt 3 ]; then
    echo "usage: review.sh BASE [HEAD] [FILE]" >&2
    exit 2
fi
base=$1
head=${2:-HEAD}
file=${3:-}
pivot=${PIVOT:-pivot}
fetch=${PIVOT_FETCH:+--fetch}
most=60000 # GitHub takes 65,536 characters

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! fork=$(git merge-base "$base" "$head"); then
    echo "review.sh: '$base' and '$head' have no common ancestor here" >&2
    echo "  fetch the history: \`git fetch --unshallow\`, or fetch-depth: 0 in actions/checkout" >&2
    exit 2
fi
old=$(git rev-parse --short "$fork")
new=$(git rev-parse --short "$head")

# A table under its title, where it has rows: the first two lines are its head.
table() {
    title=$1
    shift
    "$@" >"$work/table" || return 2
    if [ "$(wc -l <"$work/table")" -gt 2 ]; then
        printf '\n### %s\n\n' "$title"
        cat "$work/table"
    else
        printf '\n### %s\n\nNo changes.\n' "$title"
    fi
}

state=0
{
    echo '<!-- pivot review -->'
    "$pivot" impact "$base" "$new" --md
    # shellcheck disable=SC2086 # empty, or one option
    table Params "$pivot" params diff "$old" "$new" --md $fetch
    # shellcheck disable=SC2086
    table Metrics "$pivot" metrics diff "$old" "$new" --md $fetch
    table Artifacts "$pivot" diff "$old" "$new" --md
} >"$work/review" || exit 2

"$pivot" verify --allow-missing --rev "$head" >"$work/verify" 2>&1 || state=$?
{
    printf '\n### Verified\n\n'
    if [ "$state" -eq 0 ]; then
        cat "$work/verify"
    else
        printf '**The committed results do not stand.** Run `pivot repro`, commit the locks, and '
        printf '`pivot push`.\n\n```\n'
        cat "$work/verify"
        printf '```\n'
    fi
} >>"$work/review"
[ "$state" -le 1 ] || cat "$work/verify" >&2

if [ "$(wc -c <"$work/review")" -gt $most ]; then
    head -c $most "$work/review" >"$work/short"
    # never half a line, which could be half a character
    sed '$d' "$work/short" >"$work/review"
    printf '\n... cut: it is longer than a comment may be.\n' >>"$work/review"
fi

if [ -n "$file" ]; then
    cat "$work/review" >"$file"
else
    cat "$work/review"
fi
[ "$state" -le 1 ] || exit 2
exit "$state"
