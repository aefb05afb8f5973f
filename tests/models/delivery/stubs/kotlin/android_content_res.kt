// What the delivered sources use of android.content.res; assets are files of a folder.
package android.content.res

import java.io.File
import java.io.InputStream

class AssetManager(private val folder: File) {
    fun open(fileName: String): InputStream = File(folder, fileName).inputStream()
}
