package mobilesr

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.FloatBuffer
import kotlin.math.round
import org.pytorch.executorch.DType
import org.pytorch.executorch.Tensor

/** One tile as the network takes and gives it: float32 planes R, G, B, values 0 to 1. */
typealias Tile = FloatArray

/** All that depends on the form of a tile. `pixels` is how many pixels the tile has. */
object TileFormat {
    const val NAME = "float32"
    const val BYTES_A_NUMBER = 4
    val dtype = DType.FLOAT

    fun allocate(numbers: Int): Tile = FloatArray(numbers)

    /** Sets pixel number `at`, counted row by row, from levels of 0 to 255. */
    fun put(tile: Tile, pixels: Int, at: Int, red: Int, green: Int, blue: Int) {
        tile[at] = red / 255f
        tile[pixels + at] = green / 255f
        tile[2 * pixels + at] = blue / 255f
    }

    /** The level, 0 to 255, of a channel (0 to 2) of a pixel. */
    fun level(tile: Tile, pixels: Int, at: Int, channel: Int): Int {
        val value = tile[channel * pixels + at]
        // Clamped, rounded to even; what is no number is 0.
        return if (!(value > 0f)) 0 else if (value >= 1f) 255 else round(value * 255f).toInt()
    }

    /** A number of the tile, for comparisons. */
    fun value(tile: Tile, index: Int): Float = tile[index]

    /** A tile out of a file's bytes. */
    fun parsed(bytes: ByteArray): Tile = FloatArray(bytes.size / BYTES_A_NUMBER).also {
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(it)
    }

    fun buffer(numbers: Int): FloatBuffer = Tensor.allocateFloatBuffer(numbers)

    /** A tensor that shares the numbers of `buffer`. */
    fun tensor(buffer: FloatBuffer, shape: LongArray): Tensor = Tensor.fromBlob(buffer, shape)

    fun read(tensor: Tensor): Tile = tensor.dataAsFloatArray
}
