#compdef duet
# SPDX-License-Identifier: MIT
# Completion of duet in zsh. The program itself says what a word may become, so that nothing here has to be kept in step
# with it.
local line name
local -a names keys files

for line in ${(f)"$(${(Q)~words[1]} complete "${(@Q)words[2,CURRENT-1]}" ${(Q)PREFIX} 2>/dev/null)"}; do
    name=${${line%%$'\t'*}//:/\\:}
    case $line in
        :folders) files=(-/) ;;
        ':files '*) files=(-g "*.${line#:files }") ;;
        :files) files=(-f) ;;
        *=$'\t'*) keys+=("$name:${line#*$'\t'}") ;;
        *) names+=("$name:${line#*$'\t'}") ;;
    esac
done
(( $#names )) && _describe -V duet names
(( $#keys )) && _describe -V duet keys -S ''
if (( $#files )); then
    [[ $PREFIX == --*=* ]] && compset -P 1 '*='
    [[ $files[1] == -f ]] && files=()
    _files $files
fi
