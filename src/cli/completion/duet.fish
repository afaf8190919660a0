# SPDX-License-Identifier: MIT
# Completion of duet in fish. The program itself says what a word may become, so that nothing here has to be kept in step
# with it.
function __duet_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    for line in ($program complete $words "$current" 2>/dev/null)
        switch $line
            case ':folders'
                __fish_complete_directories "$current"
            case ':files*'
                __fish_complete_path "$current"
            case '*'
                echo $line
        end
    end
end
complete -c duet -f -k -a '(__duet_complete)'
