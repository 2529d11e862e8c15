/* What a client says on a terminal's socket, and what names it: taken or refused, and whatever is taken is within its bounds. */
#include "fuzz.h"

#include "base/assert.h"
#include "codi2/terminal_words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of(data, size);
    struct codi2_size window = {0};
    unsigned side = 0;
    if (codi2_terminal_word(text, &window) == 0) {
        ASSERT(text.n <= CODI2_TERMINAL_WORD);
        ASSERT(window.cols >= 1 && window.cols <= 1000 && window.rows >= 1 && window.rows <= 1000);
    } else {
        ASSERT(window.cols == 0 && window.rows == 0);
    }
    ASSERT(codi2_terminal_side(text, &side) != 0 || (side >= 1 && side <= 1000));
    if (codi2_terminal_is_id(text)) {
        ASSERT(text.n <= CODI2_TERMINAL_ID && str_is_utf8(text) &&
               str_find(text, '/', 0) == text.n);
    }
    return 0;
}
