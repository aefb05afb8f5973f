// What the delivered sources use of android.graphics; a bitmap is an array of pixels.
package android.graphics

class Bitmap private constructor(val width: Int, val height: Int, val config: Config) {
    enum class Config { RGB_565, ARGB_8888, HARDWARE }

    private val pixels = IntArray(width * height)
    var isRecycled = false
        private set

    fun recycle() {
        isRecycled = true
    }

    fun setHasAlpha(hasAlpha: Boolean) = check(!hasAlpha)

    fun copy(config: Config, isMutable: Boolean): Bitmap? {
        check(!isMutable && !isRecycled)
        return createBitmap(width, height, config).also { pixels.copyInto(it.pixels) }
    }

    fun getPixel(x: Int, y: Int): Int = pixels[y * width + x]

    fun getPixels(
        pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int
    ) {
        check(config == Config.ARGB_8888 && !isRecycled)
        for (row in 0 until height) {
            val from = (y + row) * this.width + x
            this.pixels.copyInto(pixels, offset + row * stride, from, from + width)
        }
    }

    fun setPixels(
        pixels: IntArray, offset: Int, stride: Int, x: Int, y: Int, width: Int, height: Int
    ) {
        check(!isRecycled)
        for (row in 0 until height) {
            val from = offset + row * stride
            pixels.copyInto(this.pixels, (y + row) * this.width + x, from, from + width)
        }
    }

    fun eraseColor(color: Int) = pixels.fill(color)

    companion object {
        /** Every bitmap that was made: what nobody owns any more must be recycled. */
        val made = ArrayList<Bitmap>()

        @JvmStatic
        fun createBitmap(width: Int, height: Int, config: Config): Bitmap =
            Bitmap(width, height, config).also { made.add(it) }
    }
}

class Color {
    companion object {
        const val WHITE = -1

        @JvmStatic
        fun rgb(red: Int, green: Int, blue: Int): Int =
            255 shl 24 or (red shl 16) or (green shl 8) or blue

        @JvmStatic fun alpha(color: Int): Int = color ushr 24
    }
}
